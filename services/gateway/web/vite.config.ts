import { defineConfig } from "vite";

// Nothing is inlined: the gateway's Content-Security-Policy allows files of its own origin only.
export default defineConfig({
  base: "/app/",
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: "es2022" },
});

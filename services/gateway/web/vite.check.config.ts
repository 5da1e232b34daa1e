import { defineConfig, type Plugin } from "vite";

/** Everything in one file, so that it works from a disk. */
const oneFile: Plugin = {
  name: "one-file",
  enforce: "post",
  generateBundle(_, bundle) {
    const page = bundle["check.html"];
    if (page?.type !== "asset") throw new Error("no check.html");
    for (const [name, part] of Object.entries(bundle)) {
      if (part.type !== "chunk") continue;
      page.source = String(page.source).replace(/<script type="module"[^>]*><\/script>/, () => `<script type="module">${part.code.trim()}</script>`);
      delete bundle[name];
    }
  },
};

export default defineConfig({
  base: "./",
  plugins: [oneFile],
  build: { emptyOutDir: false, copyPublicDir: false, modulePreload: false, target: "es2022", rollupOptions: { input: "check.html" } },
});

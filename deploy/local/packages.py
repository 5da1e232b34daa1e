"""What must come from the machine: RabbitMQ and, for the tests, Chromium."""

import shutil
from pathlib import Path

from deploy.local import apt, rabbitmq
from deploy.local.progress import say, step
from deploy.local.trouble import Trouble

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_CHROME = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def need_rabbitmq() -> None:
    """Find RabbitMQ or install it; say the other ways where neither can be."""
    if rabbitmq.find():
        return
    reason = apt.missing()
    if reason is None:
        say("RabbitMQ is missing: installing the package rabbitmq-server (the machine's own broker stays off).")
        with step("installing RabbitMQ"):
            reason = apt.install("rabbitmq-server", ("rabbitmq-server.service", "epmd.service", "epmd.socket"))
        if rabbitmq.find():
            return
    raise Trouble(
        f"RabbitMQ is missing and can't be installed: {reason}",
        "install it (`sudo apt-get install rabbitmq-server`, or `brew install rabbitmq`), name a running one in"
        " UNSAID_AMQP_URL, or use `docker compose up` instead of `./unsaid up`",
    )


def chromium() -> Path | None:
    for name in CHROMIUMS:
        if found := shutil.which(name):
            return Path(found)
    return MAC_CHROME if MAC_CHROME.exists() else None


def want_chromium() -> None:
    """Install Chromium for the tests in a browser; they say why they are skipped where that can't be."""
    if chromium() or apt.missing():
        return
    with step("installing Chromium for the tests"):
        apt.install("chromium")

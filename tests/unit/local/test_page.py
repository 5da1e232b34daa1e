"""The page is built anew when its sources change, and only then."""

from pathlib import Path

import pytest

from deploy.local import page
from deploy.local.trouble import Trouble


@pytest.fixture
def web(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.ts").write_text("1")
    (tmp_path / "package-lock.json").write_text("{}")
    return tmp_path


def test_what_a_build_makes_doesn_t_count(web: Path) -> None:
    before = page.fingerprint(web)
    for made in ("dist", "node_modules"):
        (web / made).mkdir()
        (web / made / "file.js").write_text("made")
    assert page.fingerprint(web) == before


@pytest.mark.parametrize("change", ["edit", "add", "rename"])
def test_every_change_of_a_source_counts(web: Path, change: str) -> None:
    before = page.fingerprint(web)
    source = web / "src" / "main.ts"
    match change:
        case "edit":
            source.write_text("2")
        case "add":
            (web / "index.html").write_text("")
        case _:
            source.rename(web / "src" / "other.ts")
    assert page.fingerprint(web) != before


def test_an_unchanged_page_is_not_built_again(web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def npm(*arguments: str) -> None:
        ran.append(arguments[0])
        (web / "node_modules").mkdir(exist_ok=True)
        (web / "dist").mkdir(exist_ok=True)
        (web / "dist" / "index.html").write_text("")

    monkeypatch.setattr(page, "WEB", web)
    monkeypatch.setattr(page, "_npm", npm)
    page.build()
    page.build()
    assert ran == ["ci", "run"]
    (web / "src" / "main.ts").write_text("2")
    page.build()
    assert ran == ["ci", "run"] * 2


def test_a_page_that_can_t_be_built_stops_the_start_only_if_there_is_none(
    web: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def npm(*_: str) -> None:
        raise Trouble("no network", "mend it")

    monkeypatch.setattr(page, "WEB", web)
    monkeypatch.setattr(page, "_npm", npm)
    with pytest.raises(Trouble, match="no network"):
        page.build()
    (web / "dist").mkdir()
    (web / "dist" / "index.html").write_text("")
    page.build()
    assert "The page of the last build is used." in capsys.readouterr().err

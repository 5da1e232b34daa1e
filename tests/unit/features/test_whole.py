"""Each feature is whole: what clients may send is built, what is built is carried out, what happened is told."""

import re
from pathlib import Path
from typing import Any, get_args

from services.gateway.handlers import features as gateway
from services.gateway.handlers.records import FRAMES
from services.session.handlers import features as session
from services.session.store.records import _BASE
from shared.contracts import features
from shared.contracts.frames.base import Lasting
from shared.contracts.records import Notice, Question, RecordCommand, TenantQuestion

SQL = Path(str(session.__file__)).parents[1] / "sql"
STAY = {"report": "that something was reported stays; what it said goes"}


def classes(union: Any) -> set[type[Any]]:
    return set(get_args(union)) or {union}


def test_each_frame_of_a_client_is_answered() -> None:
    lasting = {frame for frame in classes(features.ClientFrame) if issubclass(frame, Lasting)}
    assert set(gateway.BUILDS) == lasting
    assert set(gateway.ANSWERS) == classes(features.ClientFrame) - lasting


def test_each_command_is_carried_out() -> None:
    assert set(session.WRITES) == {c for c in classes(features.Command) if issubclass(c, RecordCommand)}
    assert set(session.READS) == {c for c in classes(features.Command) if issubclass(c, Question)}
    assert set(session.OF_TENANT) == {c for c in classes(features.Command) if issubclass(c, TenantQuestion)}


def test_each_fact_and_notice_has_its_frame() -> None:
    for fact in classes(features.Fact):
        for kind in get_args(fact.model_fields["kind"].annotation):
            own = set(fact.model_fields) - _BASE
            assert own <= set(FRAMES[kind].model_fields), kind
    assert set(gateway.NOTICES) == {told for told in classes(features.Told) if issubclass(told, Notice)}


def test_erasing_leaves_no_row_of_a_feature() -> None:
    of_features = [path for path in (SQL / "migrations").glob("*.sql") if path.name > "0021"]
    migrations = "".join(path.read_text() for path in of_features)
    queries = "".join(path.read_text() for path in SQL.glob("*.sql"))
    bodies = re.findall(r"create table (\w+) \(\n(.*?)\n\);", migrations, re.DOTALL)
    kept = {table for table, body in bodies if "    conversation uuid" in body}
    emptied = set(re.findall(r"delete from (\w+) where conversation = \$1;", queries))
    assert kept - emptied == STAY.keys()
    assert len(kept) > 10

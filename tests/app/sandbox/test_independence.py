"""The sandbox stands alone: partners may run it without the rest."""

import ast
from pathlib import Path

import app.sandbox


def test_it_imports_nothing_of_ours() -> None:
    (folder,) = app.sandbox.__path__
    for path in Path(folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module or ""]
            ours = [name for name in names if name.split(".")[0] in {"app", "tenants", "migrations", "tests"}]
            assert all(name.startswith("app.sandbox") for name in ours), path

"""A user's Python file, run as it is now.

Python keeps the bytecode of what it imports beside the source, and tells an edit by its second and its size. A plug-in
or a figure edited and loaded again within a second would be the old one; and its folder is not ours to write to.
"""

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType


class _AsItIs(SourceFileLoader):
    """Compiles the source every time, and leaves nothing behind."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def run_file(name: str, file: Path) -> ModuleType:
    """Run `file` as the module `name` and return it; whatever it raises passes through, and the module is forgotten."""
    spec = importlib.util.spec_from_file_location(name, file, loader=_AsItIs(name, str(file)))
    assert spec is not None  # a loader is given
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        assert spec.loader is not None
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module

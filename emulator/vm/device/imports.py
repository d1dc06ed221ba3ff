"""Imports as the firmware does them, for both VMs in the language that both know.

Order: loaded modules, modules that no file can shadow, then each entry of sys.path (a package
directory before `x.py` before `x.mpy`), last the weak aliases (`time` for `utime`, ...).
A module that raises while it is imported stays in sys.modules, half made.
Source: Pycom firmware 1.20.2.r4, py/builtinimport.c.
"""


class Imports:
    def __init__(self, loaded, path, weak, builtin, kind_of, load, new_module):
        """loaded, path: of sys. builtin(name, private) gives a module of the firmware or None;
        kind_of(stem) what a file name without suffix stands for: "dir", "py", "mpy" or None;
        load(name, stem, kind) the module of a file."""
        self._loaded = loaded
        self._path = path
        self._weak = weak
        self._builtin = builtin
        self._kind_of = kind_of
        self._load = load
        self._new_module = new_module

    def of_device(self, name, scope=None, local=None, fromlist=None, level=0):
        """`__import__` of device code."""
        if level:
            name = _absolute(name, scope or {}, level)
        module = self._import(name, bool(fromlist))
        if not fromlist or fromlist is True:
            return module
        return self._offer(module, name, fromlist)

    def of_firmware(self, name, *others):
        """`__import__` of the firmware's own modules, which see each other and no file."""
        module = self._builtin(name, True) or self._builtin(self._weak.get(name, name))
        if module is None:
            raise ImportError("no module named '{}'".format(name))
        return module

    def _import(self, name, leaf):
        module = self._loaded.get(name) or self._builtin(name)
        parts = name.split(".")
        if module is not None:
            return module if leaf or len(parts) == 1 else self._loaded.get(parts[0], module)
        top = outer = None
        stem = full_name = ""
        for part in parts:
            first = not full_name
            full_name = part if first else full_name + "." + part
            found = self._find(part) if first else self._stat(stem + "/" + part)
            if found is None:
                alias = self._weak.get(full_name) if full_name == name else None
                module = self._builtin(alias) if alias else None
                if module is None:
                    raise ImportError("no module named '{}'".format(full_name))
            else:
                stem, kind = found
                module = self._loaded.get(full_name) or self._builtin(full_name)
                if module is None:
                    module = self._load(full_name, stem, kind)
            if outer is not None:
                setattr(outer, part, module)
            outer = module
            top = top or module
        return outer if leaf else top

    def _offer(self, module, name, fromlist):
        """Make the names after `from m import` available, sub-modules of a package included."""
        if "*" in fromlist:
            star = self._new_module(name)  # not the module itself: this core knows no __all__
            for key in dir(module):
                if key[0] != "_":
                    setattr(star, key, getattr(module, key))
            return star
        for item in fromlist:
            if hasattr(module, item):
                continue
            if not hasattr(module, "__path__"):
                raise ImportError("cannot import name {}".format(item))
            full_name = module.__name__ + "." + item
            self._import(full_name, True)
            if not hasattr(module, item):  # loaded before, taken from its package since
                setattr(module, item, self._loaded[full_name])
        return module

    def _find(self, name):
        for entry in self._path:
            found = self._stat(entry + "/" + name if entry else name)
            if found is not None:
                return found
        return None

    def _stat(self, stem):
        """(stem, kind) of what `stem` stands for."""
        kind = self._kind_of(stem)
        return (stem, kind) if kind else None


def _absolute(name, scope, level):
    """The whole name of a relative one. A VM may not say who imports: `scope` is empty then."""
    parts = str(scope.get("__name__", "")).split(".")
    chop = level - 1 if "__path__" in scope else level
    if chop >= len(parts):
        raise ValueError("cannot perform relative import")
    base = parts[: len(parts) - chop]
    return ".".join(base + ([name] if name else []))

"""Imports as the firmware does them, for both VMs in the language that both know.

Order: loaded modules, modules that no file can shadow, then each entry of sys.path (a package
directory before `x.py` before `x.mpy`), last the weak aliases (`time` for `utime`, ...).
A module that raises while it is imported stays in sys.modules, half made.
Source: Pycom firmware 1.20.2.r4, py/builtinimport.c.
"""


class Imports:
    def __init__(self, vm, loaded, path, weak, makers):
        """vm: what differs between the two. loaded, path: of sys. weak: alias -> module.
        makers: name -> what gives the names of a module that the core has in C.

        vm.new_module(name) gives an empty module and the dict of its names;
        vm.surface(name) the names that a board has in one of its modules, None if it has none of
        that name; vm.face(module, whole, name, names) puts these names into an empty module,
        from the emulation's own as far as that has them;
        vm.firmware(name) whatever vm.run_firmware(it, names) is to run for a module of the
        firmware, None if there is none; vm.kind_of(stem) what a file name without suffix stands
        for, "dir", "py", "mpy" or None; vm.find(stems) the first that stands for something, and
        for what, or None; vm.run_file(path, names) runs the source of a module;
        vm.load_mpy(name, stem, inner) gives the module of byte code.
        """
        self._vm = vm
        self._loaded = loaded
        self._path = path
        self._weak = weak
        self._makers = makers
        self._made = {}
        self._faces = {}
        self._absent = set()

    # modules that the firmware brings along

    def provide(self, name, names):
        """A module that the board has in C, with these names."""
        module = self._vm.new_module(name)[0]
        for key in names:
            setattr(module, key, names[key])
        self._made[name] = module
        return module

    def shown(self, name):
        """What device code sees of the built-in module of this very name; None: there is none."""
        module = self._faces.get(name)
        if module is None:
            names = self._vm.surface(name)
            if names is None:  # of a firmware of its own
                return None if name.startswith("_") else self.builtin(name)
            module = self._vm.new_module(name)[0]
            usual = [alias for alias in self._weak if self._weak[alias] == name]
            self._vm.face(module, self.builtin(name), (usual or [name])[0], names)
            self._faces[name] = module
        return module

    def builtin(self, name):
        """The emulation's module of this very name, made at its first use; None: there is none."""
        module = self._made.get(name)
        if module is not None or name in self._absent:
            return module
        found = self._vm.firmware(name)
        if found is not None:
            return self._load_firmware(name, found)
        if name in self._makers:
            return self.provide(name, self._makers[name]())
        self._absent.add(name)
        return None

    def _load_firmware(self, name, found):
        module, names = self._vm.new_module(name)
        self._made[name] = module
        try:
            self._vm.run_firmware(found, names)
        except BaseException:
            del self._made[name]
            raise
        return module

    # `__import__`

    def of_device(self, name, scope=None, local=None, fromlist=None, level=0):
        """`__import__` of device code."""
        if not isinstance(name, str):
            kind = type(name).__name__
            raise TypeError("can't convert '{}' object to str implicitly".format(kind))
        if level:
            name = _absolute(name, scope or {}, level)
        module = self._import(name, fromlist is not None)
        if not fromlist or fromlist is True:
            return module
        return self._offer(module, name, fromlist)

    def of_firmware(self, name, *others):
        """`__import__` of the firmware's own modules, which see each other and no file."""
        module = self.builtin(name) or self.builtin(self._weak.get(name, name))
        if module is None:
            raise ImportError("no module named '{}'".format(name))
        return module

    def _import(self, name, leaf):
        module = self._loaded.get(name) or self.shown(name)
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
                module = self.shown(alias) if alias else None
                if module is None:
                    raise ImportError("no module named '{}'".format(full_name))
            else:
                stem, kind = found
                module = self._loaded.get(full_name) or self.shown(full_name)
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
            star = self._vm.new_module(name)[
                0
            ]  # not the module itself: this core knows no __all__
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

    def _load(self, name, stem, kind):
        inner = self._vm.kind_of(stem + "/__init__") if kind == "dir" else None
        if "mpy" in (kind, inner):
            module = self._vm.load_mpy(name, stem, "/__init__" if inner else "")
            if inner:
                module.__path__ = stem
            return module
        module, names = self._vm.new_module(name)
        self._loaded[name] = module
        if kind == "dir":
            module.__path__ = stem
            if inner != "py":
                return module  # a package works without __init__.py
            stem += "/__init__"
        module.__file__ = stem + ".py"
        self._vm.run_file(stem + ".py", names)
        return module

    def _find(self, name):
        """(stem, kind) below the first entry of sys.path that has something of that name."""
        return self._vm.find([entry + "/" + name if entry else name for entry in self._path])

    def _stat(self, stem):
        """(stem, kind) of what `stem` stands for."""
        kind = self._vm.kind_of(stem)
        return (stem, kind) if kind else None


def _absolute(name, scope, level):
    """The whole name of a relative one. A VM may not say who imports: `scope` is empty then."""
    module = str(scope.get("__name__", ""))
    parts = module.split(".")
    chop = level - 1 if "__path__" in scope else level
    if module == "__main__" or (chop >= len(parts) and not name):
        raise KeyError("__main__")  # where the core looks for the name of a module run by -m
    if chop >= len(parts):
        raise ValueError("cannot perform relative import")
    base = parts[: len(parts) - chop]
    return ".".join(base + ([name] if name else []))

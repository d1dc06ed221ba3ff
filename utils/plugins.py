"""Plug-ins: modules of a folder, found by a name from the configuration.

    from utils import plugins
    bearer = plugins.find("networking", "nbiot", ("up", "down"))    # the module networking.nbiot
    plugins.find("networking", "warp", ("up", "down"))    # ValueError: ...; allowed: nbiot, wifi

Only the requested module is loaded. A name that could lead out of the folder is refused.
"""


def find(folder, name, marks, field=None, also=()):
    """Return the module `folder.name`, which must have the attributes `marks` to be a plug-in.

    field, also: for the message: the field of `name`, and what else that may be.

    Raises ValueError with the available names if there is no such plug-in, ImportError if the
    module imports another that is missing.
    """
    if isinstance(name, str) and is_name(name):
        try:
            module = getattr(__import__(folder + "." + name), name)
        except ImportError as error:
            if folder + "." + name not in str(error):  # it exists and imports a missing one
                raise
        else:
            if all(hasattr(module, mark) for mark in marks):
                return module
    from utils import _plugins_usable  # only for the message

    usable = _plugins_usable.names(folder, marks)
    allowed = ", ".join(list(also) + usable) or "none installed"
    raise ValueError("{} = {!r}; allowed: {}".format(field or folder, name, allowed))


def is_name(text):
    """True for lower-case letters, digits and underscores that begin with a letter."""
    for character in text:
        if not ("a" <= character <= "z" or "0" <= character <= "9" or character == "_"):
            return False
    return "a" <= text[:1] <= "z"

names = globals()

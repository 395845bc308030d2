"""What a declaration becomes: functions with typed arguments into the definitions that the engine knows.

``signature`` reads a function, ``edges`` and ``dependency`` are the defaults that give arguments their origin,
``codec`` turns arguments and results into JSON and back, ``declaration`` puts it all together. Mistakes are
``DeclarationError`` with file and line, raised while the module is imported.
"""

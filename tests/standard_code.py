import code

assert hasattr(code, "InteractiveConsole"), code
print("standard")

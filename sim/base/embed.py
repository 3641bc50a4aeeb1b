#!/usr/bin/env python3
"""Writes C source that holds data files as text: embed.py OUTPUT ROOT FILE..."""
import os
import sys

output, root, files = sys.argv[1], sys.argv[2], sys.argv[3:]
with open(output, "w", encoding="utf-8") as out:
    out.write('#include "sim/base/embedded.h"\n\n')
    for number, path in enumerate(files):
        data = open(path, "rb").read() + b"\0"
        out.write(f"static const unsigned char file_{number}[] = {{\n")
        for start in range(0, len(data), 20):
            out.write(",".join(str(byte) for byte in data[start:start + 20]) + ",\n")
        out.write("};\n\n")
    out.write("const struct embedded_file embedded_files[] = {\n")
    for number, path in enumerate(files):
        name = os.path.relpath(path, root)
        out.write(f'    {{"{name}", (const char *)file_{number}}},\n')
    out.write("    {NULL, NULL},\n};\n")

"""Stands in for the NVIDIA libraries that PyPI's torch is linked to: stubs.py TORCH_LIB_DIR. Needs objdump and gcc.

Each library that is needed and not there becomes one in which every function returns 100, CUDA's "no device". So torch
loads, sees no GPU and computes on the CPU.
"""
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

SYSTEM = re.compile(r"(ld-linux|lib(c|dl|gcc_s|gomp|m|pthread|rt|stdc\+\+|util|numa|z))[.-]")
NVIDIA = re.compile(r"(__)?(cu|nccl|nv)", re.I)


def objdump(flag, path):
    return subprocess.run(["objdump", flag, path], check=True, capture_output=True, text=True).stdout


def needs(path):
    """The libraries that path is linked to, and of which of them it wants which version."""
    text = objdump("-p", path)
    versions, library = {}, None
    for line in text.splitlines():
        if m := re.match(r"\s+required from (\S+):", line):
            library = m[1]
        elif library and (m := re.match(r"\s+0x\w+ 0x\w+ \d+ (\S+)", line)):
            versions[m[1]] = library
    return re.findall(r"NEEDED\s+(\S+)", text), versions


def undefined(path):
    """The symbols that path wants of others, each with its version or None."""
    for line in objdump("-T", path).splitlines():
        if "*UND*" in line:
            words = line.split("*UND*")[1].split()[1:]  # after the size
            version = words[0].strip("()") if len(words) == 2 else "Base"
            yield words[-1], None if version == "Base" else version


def wanted(files):
    """Of each missing library, its symbols by version; None is no version."""
    present = {f.name for f in files}
    libraries = {}
    for f in files:
        needed, versions = needs(f)
        missing = [n for n in needed if n not in present and not SYSTEM.match(n)]
        for name in missing:
            libraries.setdefault(name, collections.defaultdict(set))
        for symbol, version in undefined(f):
            if versions.get(version) in libraries:
                libraries[versions[version]][version].add(symbol)
            elif version is None and missing and NVIDIA.match(symbol):
                libraries[missing[0]][None].add(symbol)  # any library that f loads will do
    return libraries


def make(path, symbols):
    """Writes the library path with these symbols."""
    with tempfile.TemporaryDirectory() as tmp:
        source, script = pathlib.Path(tmp, "stub.c"), pathlib.Path(tmp, "versions")
        source.write_text("".join(f"int {s}(void) {{ return 100; }}\n" for s in sorted(set().union(*symbols.values()))) or "int none;\n")
        script.write_text("".join(f"{v} {{ global: {' '.join(s + ';' for s in sorted(names))} }};\n" for v, names in symbols.items() if v))
        flags = [f"-Wl,--version-script={script}"] if script.stat().st_size else []
        subprocess.run(["gcc", "-w", "-fno-builtin", "-shared", "-fPIC", f"-Wl,-soname,{path.name}", *flags, "-o", path, source], check=True)


def main():
    directory = pathlib.Path(sys.argv[1])
    for name, symbols in sorted(wanted(sorted(directory.glob("*.so*"))).items()):
        make(directory / name, symbols)
        print(name, sum(map(len, symbols.values())), "symbols")


main()

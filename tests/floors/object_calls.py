# SPDX-License-Identifier: Apache-2.0
"""What the files behind an object define and call.

An object of one source is read with nm: what it defines belongs to that source, what it lacks is
called by it. An object of several sources (a unity build's) says by its line numbers which source
an instruction comes from, also where the compiler has put one function into another. What belongs
to no source, such as a template's instance, passes on what it calls to whoever uses it.
"""
import collections
import os
import re
import subprocess
import tempfile

STRONG = "TDBRSGC"  # nm's letters for what one object alone defines
THUNK = re.compile(r"^_ZTh\w\d+_")  # of a virtual function, for a base that is not the first
CLONE = re.compile(r"\.(?:cold|part|isra|constprop|lto_priv)(?:\.\d+)?")
# They run what several sources initialise; each line of them is its source's own.
INITIALISATION = re.compile(r"_GLOBAL__sub_[ID]|_Z\d+__static_initialization_and_destruction")
UNITY = ".cxx"  # how the file ends that includes several sources; ours never do
FUNCTION = re.compile(r"[0-9a-f]+ <(.+)>:$")
ROW = re.compile(r"(\S.*):\d+(?: \(discriminator \d+\))?$")
INSTRUCTION = re.compile(r"\s+[0-9a-f]+:\t(\S+)(?:.*<([^>+]+)>$)?")  # and the symbol it names, if it does
RELOCATION = re.compile(r"\s+[0-9a-f]+: R_\w+\s+(\S+?)(?:[+-]0x[0-9a-f]+)?$")


class ObjectCalls:
    """defined: the source of each symbol that this object alone defines. wanted: the symbols each
    source wants, wherever they are. inlined: (source, source, symbol) where code of the second
    stands in a function of the first."""

    def __init__(self):
        self.defined = {}
        self.wanted = collections.defaultdict(set)
        self.inlined = set()


class Sources:
    """Which source of a project a path in debug information means. The project may have been
    elsewhere when a cached object was made."""

    def __init__(self, paths):
        self.paths = set(paths)
        self.known = {}

    def of(self, path):
        if path not in self.known:
            parts = os.path.normpath(path).lstrip("/").split("/")
            ends = ("/".join(parts[i:]) for i in range(len(parts) - 1))
            self.known[path] = next((end for end in ends if end in self.paths), None)
        return self.known[path]


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def of_one_source(object_file, source):
    found = ObjectCalls()
    for line in output_of("nm", object_file).splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "U":
            found.wanted[source].add(words[1])
        elif len(words) == 3 and words[1] in STRONG:
            found.defined[words[2]] = source
    return found


def of_several_sources(object_file, sources):
    """Of an object that was made of several sources, with debug information."""
    with tempfile.TemporaryDirectory() as folder:
        linked = os.path.join(folder, "linked")
        # Sections of an object all begin at address 0, which line numbers cannot tell apart.
        output_of("ld", "--emit-relocs", "--unresolved-symbols=ignore-all",
                  "--defsym=__dso_handle=0", "-e", "0", "-o", linked, object_file)
        return Linked(linked, sources).calls()


class Function:
    """What one function of an object is made of and refers to. Names are without a clone's suffix."""

    def __init__(self):
        self.name = ""
        self.rows = set()  # the sources its instructions come from, None for a header
        self.names = set()  # (the source it stands in, or None; symbol)
        self.loaded = set()  # the symbols whose addresses it takes


def plain(symbol):
    """The function that a clone or a thunk is of."""
    return THUNK.sub("_Z", CLONE.sub("", symbol))


def first_file(path):
    """The first file of an object's line numbers: binutils 2.40 takes it for the compiled file, which
    stands before it, until another one is named."""
    folders, table = {}, ""
    with subprocess.Popen(["readelf", "-wl", path], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith(" The "):
                table = line
            elif match := re.match(r"  (\d+)\t(?:(\d+)\t)?(?:\(.*\): )?(\S+)$", line):
                number, folder, name = match.groups()
                if "Directory" in table:
                    folders[number] = name
                elif "File Name" in table and number == "1":
                    process.kill()
                    return os.path.join(folders.get(folder, ""), name)
    return None


class Linked:
    def __init__(self, path, sources):
        self.letters = {}  # nm's, of each symbol
        self.home = {}  # the source of each symbol that has one
        self.at = {}  # the function at an address
        self.functions = collections.defaultdict(Function)
        self.data = collections.defaultdict(set)  # what stands in data: tables of functions
        self.first_file = first_file(path)
        self.read_functions(path, sources)
        self.read_symbols(path, sources)
        self.read_data(path)

    def read_functions(self, path, sources):
        function, row, mnemonic = None, None, ""
        begins = is_cold = False
        for line in output_of("objdump", "-d", "-l", "-r", "--no-show-raw-insn", path).splitlines():
            if match := FUNCTION.match(line):
                name = plain(match.group(1))
                # Lines of unlikely parts may be those of the part before, up to their own first one.
                function, begins, is_cold = self.functions[name], True, ".cold" in match.group(1)
                function.name = name
            elif match := RELOCATION.match(line):
                self.note(function, row, mnemonic, match.group(1))
            elif match := INSTRUCTION.match(line):
                if is_cold:
                    row = None
                elif begins:  # the line before it, if it is the same, is not said again
                    function.rows.add(row)
                begins, mnemonic = False, match.group(1)
                if match.group(2):
                    self.note(function, row, mnemonic, match.group(2))
            elif function and (match := ROW.match(line)):
                row = self.source_of_row(match.group(1), sources)
                if not is_cold and not begins:
                    function.rows.add(row)

    @staticmethod
    def note(function, row, mnemonic, symbol):
        symbol = plain(symbol)
        if symbol == function.name and mnemonic.startswith("j"):
            return  # to its beginning or its unlikely part, perhaps by code that was put into it
        function.names.add((row, symbol))
        if not mnemonic.startswith(("call", "j")):
            function.loaded.add(symbol)

    def read_symbols(self, path, sources):
        addresses = {}  # of functions
        for line in output_of("nm", "-l", path).splitlines():
            entry, _, place = line.partition("\t")
            words = entry.split()
            if len(words) != 3 or INITIALISATION.match(words[2]) or CLONE.search(words[2]):
                continue
            address, letter, name = words
            self.letters[name] = letter
            if letter in "TtWw":
                addresses[name] = address
                self.at[int(address, 16)] = name
            elif place and (source := sources.of(place.rsplit(":", 1)[0])):
                self.home[name] = source
        # Where the outermost function stands, as a function may begin with the code of another one.
        outermost = {}
        address = None
        for line in output_of("addr2line", "-a", "-i", "-e", path, *sorted(set(addresses.values()))).splitlines():
            if line.startswith("0x"):
                address = line[2:]
            else:
                outermost[address] = self.source_of_row(line.split(":")[0], sources)
        self.home |= {name: source for name, address in addresses.items() if (source := outermost[address])}

    def source_of_row(self, file, sources):
        if file.endswith(UNITY):
            file = self.first_file
        return sources.of(file) if file else None

    def read_data(self, path):
        symbols = collections.defaultdict(list)  # of a section: (address, size, name)
        for line in output_of("objdump", "-t", path).splitlines():
            match = re.match(r"([0-9a-f]+) .{7} (\S+)\t([0-9a-f]+) (?:\.hidden )?(\S+)$", line)
            if match and int(match.group(3), 16) and match.group(2).startswith((".data", ".rodata")):
                symbols[match.group(2)].append((int(match.group(1), 16), int(match.group(3), 16),
                                                match.group(4)))
        if not symbols:
            return
        starts = {words[1]: int(words[3], 16) for line in output_of("objdump", "-h", path).splitlines()
                  if len(words := line.split()) == 7}
        section = None
        arguments = [word for name in sorted(symbols) for word in ("-j", name)]
        for line in output_of("objdump", "-r", *arguments, path).splitlines():
            if match := re.match(r"RELOCATION RECORDS FOR \[(.+)\]:$", line):
                section = match.group(1)
            elif match := re.match(r"([0-9a-f]+) R_\w+\s+(\S+?)(?:\+0x([0-9a-f]+))?$", line):
                address, target = starts[section] + int(match.group(1), 16), match.group(2)
                if target == ".text":  # so relocations name what is local to an object
                    target = self.at.get(starts[target] + int(match.group(3) or "0", 16), target)
                for start, size, name in symbols[section]:
                    if start <= address < start + size:
                        self.data[name].add(plain(target))

    def calls(self):
        found = ObjectCalls()
        for name, source in self.home.items():
            if self.letters.get(name, "?") in STRONG:
                found.defined[name] = source
        virtual = {target for name, targets in self.data.items() if name.startswith("_ZTV")
                   for target in targets}
        used = collections.defaultdict(set)  # by sources
        passed_on = collections.defaultdict(set)  # by what belongs to no source: symbols, and sources
        for symbol, function in self.functions.items():
            home = None if INITIALISATION.match(symbol) else self.home.get(symbol)
            # Code that takes the address of a virtual function guesses that it will be the one called.
            guessed = function.loaded & virtual
            guessed_of = {self.home.get(name) for name in guessed}
            for row, name in function.names:
                if name in guessed or row in guessed_of - {home, None}:
                    continue
                if row is None and self.home.get(name) in guessed_of - {home, None}:
                    continue
                source = row or home
                if source:
                    used[source].add(name)
                else:
                    passed_on[symbol].add(name)
            for row in function.rows - guessed_of - {home, None}:
                if home is not None:
                    found.inlined.add((home, row, symbol))
                elif not INITIALISATION.match(symbol):
                    passed_on[symbol].add(InSource(row))
        for name, targets in self.data.items():
            if name in self.home:
                used[self.home[name]] |= targets
            else:
                passed_on[name] |= targets
        for source, names in used.items():
            self.follow(source, names, passed_on, found)
        return found

    def follow(self, source, names, passed_on, found):
        """All that a source uses, also by way of what belongs to no source."""
        waiting, seen = list(names), set(names)
        while waiting:
            name = waiting.pop()
            if isinstance(name, InSource):
                if name.source != source:
                    found.inlined.add((source, name.source, "a template's code for it"))
            elif name in self.home or name not in passed_on:
                found.wanted[source].add(name)
            else:
                waiting += passed_on[name] - seen
                seen |= passed_on[name]


InSource = collections.namedtuple("InSource", "source")

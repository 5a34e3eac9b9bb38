# SPDX-License-Identifier: Apache-2.0
"""The floors of this project, lowest first, as data. check_floors reads it and knows nothing else.

A floor is a folder, with everything below it that is not a floor of its own. A file may include
headers of its own floor and of those listed for it, and call what they define; anything else is a
step upwards. Rules about folders that do not exist do not apply.
"""

_CORE = ["core/base", "core/wire", "core/model", "core/local", "core/cluster", "core/view", "core"]

FLOORS = {
    "channel": [],
    "core/base": [],
    "core/wire": ["core/base"],
    "core/model": ["core/wire", "core/base"],
    "core/local": ["core/model", "core/wire", "core/base"],
    "core/cluster": ["core/local", "core/model", "core/wire", "core/base"],
    "core/view": ["core/cluster", "core/local", "core/model", "core/wire", "core/base"],
    "core": [floor for floor in _CORE if floor != "core"],  # the facade: what is in no folder
    "cluster-config": [],
    "parcel": ["core/base"],  # as bytes: nothing of the driver's state
    "transport": ["core/base", "core/wire"],
    "membership": ["cluster-config", "core/base", "transport"],  # transport: the log
    "host": _CORE + ["parcel", "transport", "cluster-config"],
    "shim-linked": [],  # the shim as libraries see it
    "shim": ["channel", "shim-linked"],
    # Parcels hold objects, and objects are called with parcels: these two are one floor.
    "ndk/base": [],
    "ndk/parcel": ["ndk/process", "ndk/base", "parcel"],
    "ndk/process": ["ndk/parcel", "ndk/base", "parcel", "core/base", "shim-linked"],
    "ndk/manager": ["ndk/process", "ndk/parcel", "ndk/base", "parcel"],
    "ndk/api": ["ndk/manager", "ndk/process", "ndk/parcel", "ndk/base", "parcel"],
    "supervisor": ["channel", "shim"],
    "node-agent": _CORE + ["channel", "transport", "cluster-config", "host", "membership", "parcel"],
    "bench": _CORE,  # counts the core; and what its driver and its peers share
    "bench/driver": ["bench"],
    "bench/peers": ["bench"],
    "tools": _CORE + ["bench", "bench/driver", "channel", "cluster-config", "host", "node-agent", "supervisor",
                      "transport", "parcel", "ndk/process", "ndk/parcel", "ndk/base"],
}

# Files that are on another floor than their folder says.
PLACES = {"shim/linked.h": "shim-linked"}

# How many files below a folder may be in one circle of calls. Folders that are not listed are not
# looked at.
CIRCLE_LIMITS = {
    "channel": 1,
    "core": 1,
    "host": 1,
    "parcel": 1,
    "shim": 1,
    "ndk/base": 1,
    "ndk/manager": 1,
    "ndk/api": 1,
    "supervisor": 1,
    "cluster-config": 1,
    "membership": 1,
    "transport": 3,
    "node-agent": 3,
    "tools": 1,
    "bench/driver": 1,
    "bench/peers": 1,
}

# Circles that are larger and known: a pattern that every file of the circle matches ("*" is not a
# folder), how many there may be, and why.
EXCEPTIONS = []

# Folders whose objects must be there, or the check has not seen anything.
REQUIRED = ["core", "shim", "transport", "node-agent", "ndk", "parcel"]

# Folders that define functions of C for others, and must not call them by those names: the C library's, or the NDK's.
DEFINING_C = ["shim", "ndk"]

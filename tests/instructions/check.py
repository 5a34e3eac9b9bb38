# SPDX-License-Identifier: Apache-2.0
"""Holds counted instructions against the committed ones."""

MOST_GROWTH_PERCENT = 5


def parse(text):
    """Lines "NAME COUNT"; what is behind # is a comment."""
    counts = {}
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or not words[1].isdigit() or int(words[1]) == 0 or words[0] in counts:
            raise ValueError(f"not a name and a count: {line!r}")
        counts[words[0]] = int(words[1])
    return counts


def compare(committed, counted, file):
    """Errors and remarks, each a list of lines."""
    errors, remarks = [], []
    for name in sorted(committed.keys() | counted.keys()):
        if name not in counted:
            errors.append(f"{name} is in {file}, but was not counted")
            continue
        now = counted[name]
        if name not in committed:
            errors.append(f"{name} was counted and is not in {file}: add the line \"{name} {now}\"")
            continue
        before = committed[name]
        change = 100 * (now - before)  # times `before`, per cent
        what = f"{name}: {now} instructions of a call, {before} are committed ({change / before:+.1f} %)"
        if change > MOST_GROWTH_PERCENT * before:
            errors.append(f"{what}. If that is meant, make its line in {file} \"{name} {now}\", and say why in the commit")
        elif change < -MOST_GROWTH_PERCENT * before:
            remarks.append(f"{what}. Lower it in {file}, so that it stays")
        else:
            remarks.append(what)
    return errors, remarks

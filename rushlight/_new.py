"""`rushlight new NAME`: copies the training project that stands in the folder _template."""

import os

TEMPLATE = os.path.join(os.path.dirname(__file__), "_template")
# In these files the word PROJECT stands for the project's name.
NAMED = {"README.md", "config.json"}


def make(path):
    """Makes the folder `path` and fills it; returns the paths of the files, relative to it.

    Raises FileExistsError if the folder exists and is not empty, ValueError for a name that would
    not do as a folder's name in every place where the project writes it.
    """
    name = os.path.basename(os.path.abspath(path))
    if not name or not all(c.isalnum() or c in "-_. " for c in name):
        raise ValueError(f"{name!r} is no name for a project: letters, digits, '-', '_' and '.'")
    if os.path.isdir(path) and os.listdir(path):
        raise FileExistsError(f"{path} exists and is not empty")
    os.makedirs(path, exist_ok=True)
    made = []
    for folder, folders, files in os.walk(TEMPLATE):
        folders[:] = sorted(f for f in folders if f != "__pycache__")
        inside = os.path.relpath(folder, TEMPLATE)
        os.makedirs(os.path.join(path, inside), exist_ok=True)
        for file in sorted(files):
            place = os.path.normpath(os.path.join(inside, file))
            with open(os.path.join(folder, file), "rb") as source:
                content = source.read()
            if place in NAMED:
                content = content.replace(b"PROJECT", name.encode())
            with open(os.path.join(path, place), "wb") as target:
                target.write(content)
            made.append(place)
    return made

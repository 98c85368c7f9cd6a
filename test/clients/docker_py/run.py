# SPDX-License-Identifier: Apache-2.0

"""What programs do with docker-py (Debian's python3-docker), one function for each thing.

    run.py --list         names and titles, as JSON lines
    run.py ARCHIVE NAME   runs one, on DOCKER_HOST; ARCHIVE holds both images

A case leaves nothing behind when it passes; what a failed one left goes before the next one.
"""

import inspect
import json
import sys

import containers
import docker
import images
import others
import streams
from common import IMAGE, OTHER

CASES = {
    name: case
    for module in (others, images, containers, streams)
    for name, case in inspect.getmembers(module, inspect.isfunction)
    if case.__module__ == module.__name__
}


def clean_up(client, archive):
    for container in client.containers.list(all=True):
        container.remove(force=True, v=True)
    for network in client.networks.list():
        if network.name not in ("bridge", "host", "none"):
            network.remove()
    client.volumes.prune()
    for image in client.images.list():
        for tag in image.tags:
            if tag not in (IMAGE, OTHER):
                client.images.remove(tag, force=True)
    client.images.prune()
    with open(archive, "rb") as file:
        client.images.load(file)


def main():
    if sys.argv[1] == "--list":
        for name, case in CASES.items():
            print(json.dumps([name, case.__doc__]))
        return
    archive, name = sys.argv[1:]
    client = docker.from_env()
    try:
        CASES[name](client)
        leftovers = client.containers.list(all=True) + client.volumes.list()
        assert leftovers == [], f"left behind: {leftovers}"
    except BaseException:
        clean_up(client, archive)
        raise


main()

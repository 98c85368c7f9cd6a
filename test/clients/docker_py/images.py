# SPDX-License-Identifier: Apache-2.0

"""Cases of images."""

import json
import tempfile

import docker
from docker.errors import APIError, ImageNotFound

from common import IMAGE, OTHER, api_error, raises, same, tar_of


def images_list(client):
    """images: list, get, attributes, history, filters"""
    names = sorted(tag for image in client.images.list() for tag in image.tags)
    same(names, [OTHER, IMAGE])
    image = client.images.get(IMAGE)
    same(client.images.get(image.short_id).id, image.id)
    same(client.images.get(image.id).tags, [IMAGE])
    same(image.labels, {"kind": "box"})
    same(image.attrs["Config"]["Cmd"], ["sh"])
    same(
        [layer["CreatedBy"] for layer in client.images.get(OTHER).history()], ["layer 2", "layer 1"]
    )
    same([image.tags for image in client.images.list("box")], [[IMAGE]])
    same(client.images.list(filters={"label": "kind=none"}), [])
    same(len(client.images.list(filters={"label": ["kind=box"], "dangling": False})), 2)
    same(len(client.images.list(all=True)), 2)


def images_names(client):
    """images: tag, remove a name, ImageNotFound"""
    image = client.images.get(IMAGE)
    same(image.tag("example.com:5000/team/box", tag="new"), True)
    image.reload()
    same(sorted(image.tags), [IMAGE, "example.com:5000/team/box:new"])
    client.images.remove("example.com:5000/team/box:new")
    image.reload()
    same(image.tags, [IMAGE])
    error = raises(ImageNotFound, client.images.get, "nobody/has:this")
    same((error.status_code, "nobody/has:this" in error.explanation), (404, True))
    raises(ImageNotFound, client.images.remove, "nobody/has:this")
    api_error((400, 500), client.images.get(IMAGE).tag, "team/UPPER")


def save_and_load(client):
    """save an image to a stream, remove it, load it, and it has its ID again"""
    image = client.images.get(OTHER)
    with tempfile.TemporaryFile() as file:
        for chunk in image.save(named=True):
            file.write(chunk)
        client.images.remove(OTHER)
        raises(ImageNotFound, client.images.get, OTHER)
        file.seek(0)
        loaded = client.images.load(file)
    same([(one.id, one.tags) for one in loaded], [(image.id, [OTHER])])
    # Without names, the ID is all that Docker tells of what it has loaded.
    nameless = b"".join(client.images.get(IMAGE).save())
    same([one.id for one in client.images.load(nameless)], [client.images.get(IMAGE).id])


def load_errors(client):
    """load of what is no archive is an error"""
    raised = None
    try:
        client.images.load(b"no archive at all" * 100)
    except Exception as error:
        raised = error
    assert isinstance(raised, (APIError, docker.errors.ImageLoadError)), repr(raised)
    same(len(client.images.list()), 2)


def import_image(client):
    """import a tar from bytes and from a file, with changes"""
    text = client.api.import_image_from_data(tar_of(hello=b"hi\n"), repository="made", tag="1")
    status = json.loads(text.splitlines()[-1])["status"]
    image = client.images.get("made:1")
    same(status, image.id)
    with tempfile.NamedTemporaryFile() as file:
        file.write(tar_of(hello=b"hi\n"))
        file.flush()
        client.api.import_image_from_file(
            file.name, repository="made", tag="2", changes=["ENV A=1", 'CMD ["/hello"]']
        )
    config = client.images.get("made:2").attrs["Config"]
    same((config["Env"], config["Cmd"]), (["A=1"], ["/hello"]))
    client.images.remove("made:1")
    client.images.remove("made:2")


def commit(client):
    """commit a container and run what came of it"""
    container = client.containers.run(IMAGE, ["sh", "-c", "echo made > /data/made"], detach=True)
    container.wait()
    image = container.commit(
        repository="committed",
        tag="1",
        message="why",
        author="me",
        changes='CMD ["cat", "/data/made"]',
    )
    same(image.tags, ["committed:1"])
    same((image.attrs["Author"], image.attrs["Comment"]), ("me", "why"))
    same(client.containers.run("committed:1", remove=True), b"made\n")
    container.remove()
    client.images.remove("committed:1")


def prune(client):
    """prune: containers, images"""
    client.containers.run(IMAGE, "true", detach=True).wait()
    kept = client.containers.run(IMAGE, "true", detach=True, labels=["keep"])
    kept.wait()
    pruned = client.containers.prune(filters={"label!": ["keep"]})
    same(len(pruned["ContainersDeleted"]), 1)
    same([one.id for one in client.containers.list(all=True)], [kept.id])
    same(client.containers.prune()["ContainersDeleted"], [kept.id])
    client.api.import_image_from_data(tar_of(hello=b"hi\n"), repository="dangling", tag="1")
    dangling = client.images.get("dangling:1").id
    client.api.import_image_from_data(tar_of(hello=b"there\n"), repository="dangling", tag="1")
    same([one.id for one in client.images.list(filters={"dangling": True})], [dangling])
    assert {"Deleted": dangling} in client.images.prune()["ImagesDeleted"]
    raises(ImageNotFound, client.images.get, dangling)
    client.images.remove("dangling:1")

# SPDX-License-Identifier: Apache-2.0

"""Cases of the system, volumes and networks."""

import docker
import requests
from docker.errors import APIError, NotFound

from common import IMAGE, OTHER, api_error, eventually, raises, same, sleeper


def system(client):
    """ping, version, info, df, and the version that is agreed on"""
    same(client.ping(), True)
    version = client.version()
    same((version["Os"], bool(version["Version"])), ("linux", True))
    agreed = docker.DockerClient.from_env(version="auto")
    assert float(agreed.api.api_version) >= 1.41, agreed.api.api_version
    info = client.info()
    same((info["OSType"], type(info["Containers"]), bool(info["ID"])), ("linux", int, True))
    df = client.df()
    same(sorted(tag for image in df["Images"] for tag in image["RepoTags"]), [OTHER, IMAGE])


def ports(client):
    """a published port is reached from the host"""
    container = client.containers.run(
        IMAGE,
        ["httpd", "-f", "-p", "80", "-h", "/data"],
        detach=True,
        ports={"80/tcp": ("127.0.0.1", None)},
    )
    container.reload()
    port = container.ports["80/tcp"][0]["HostPort"]
    got = []

    def answers():
        try:
            got.append(requests.get(f"http://127.0.0.1:{port}/file", timeout=2).text)
        except requests.exceptions.ConnectionError:
            return False
        return True

    eventually(answers)
    same(got, ["from the image\n"])
    container.remove(force=True)


def volumes(client):
    """volumes: create, list, use, remove, in use, not found, prune"""
    volume = client.volumes.create(name="data", labels={"kind": "v"})
    same(
        (volume.name, volume.attrs["Driver"], volume.attrs["Labels"]),
        ("data", "local", {"kind": "v"}),
    )
    same([one.name for one in client.volumes.list(filters={"label": "kind=v"})], ["data"])
    same(client.volumes.list(filters={"name": "other"}), [])
    mounts = {"data": {"bind": "/mnt", "mode": "rw"}}
    client.containers.run(IMAGE, "sh -c 'echo kept > /mnt/file'", volumes=mounts, remove=True)
    holder = client.containers.run(
        IMAGE, "cat /mnt/file", volumes={"data": {"bind": "/mnt", "mode": "ro"}}, detach=True
    )
    holder.wait()
    same(holder.logs(), b"kept\n")
    api_error(409, volume.remove)
    holder.remove()
    volume.remove()
    raises(NotFound, client.volumes.get, "data")
    client.volumes.create()
    pruned = client.volumes.prune()
    same((len(pruned["VolumesDeleted"]), pruned["SpaceReclaimed"]), (1, 0))
    same(client.volumes.list(), [])


def networks(client):
    """networks: create, list, connect with an alias, names, disconnect, remove, prune"""
    network = client.networks.create(
        "net",
        driver="bridge",
        labels={"kind": "n"},
        ipam=docker.types.IPAMConfig(
            pool_configs=[docker.types.IPAMPool(subnet="10.99.0.0/24", gateway="10.99.0.1")]
        ),
    )
    same([one.name for one in client.networks.list(names=["net"])], ["net"])
    same(sorted(one.name for one in client.networks.list()), ["bridge", "host", "net", "none"])
    server = client.containers.run(
        IMAGE, "httpd -f -h /data", detach=True, name="server", network="net"
    )
    output = client.containers.run(
        IMAGE, "wget -qO- http://server/file", remove=True, network="net"
    )
    same(output, b"from the image\n")
    outsider = sleeper(client, network_mode="bridge", name="outsider")
    network.connect(outsider, aliases=["alias"], ipv4_address="10.99.0.77")
    network.reload()
    same(sorted(one.name for one in network.containers), ["outsider", "server"])
    same(outsider.exec_run("wget -qO- http://server/file").output, b"from the image\n")
    outsider.reload()
    same(outsider.attrs["NetworkSettings"]["Networks"]["net"]["IPAddress"], "10.99.0.77")
    raises(APIError, network.remove)
    network.disconnect(outsider)
    network.reload()
    same([one.name for one in network.containers], ["server"])
    server.remove(force=True)
    outsider.remove(force=True)
    network.remove()
    raises(NotFound, client.networks.get, "net")
    client.networks.create("unused")
    same(client.networks.prune()["NetworksDeleted"], ["unused"])

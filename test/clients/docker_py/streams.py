# SPDX-License-Identifier: Apache-2.0

"""Cases of output, input, files and events."""

import io
import tarfile
import threading
import time

import docker
from docker.errors import NotFound

from common import IMAGE, api_error, eventually, raises, same, sleeper, tar_of


def exec_run(client):
    """exec_run: exit code, output, demux, stream, environment, workdir, user, detach"""
    container = sleeper(client)
    same(tuple(container.exec_run("echo hello")), (0, b"hello\n"))
    both = ["sh", "-c", "echo out; echo err >&2; exit 4"]
    same(tuple(container.exec_run(both, demux=True)), (4, (b"out\n", b"err\n")))
    same(
        container.exec_run(
            "sh -c 'echo $A; pwd; id -u'", environment={"A": "1"}, workdir="/data", user="1000"
        ).output,
        b"1\n/data\n1000\n",
    )
    same(b"".join(container.exec_run("seq 3", stream=True).output), b"1\n2\n3\n")
    same(container.exec_run("tty", tty=True).output.strip(), b"/dev/pts/0")
    container.exec_run("touch /data/touched", detach=True)
    eventually(lambda: container.exec_run("test -e /data/touched").exit_code == 0)
    same(container.exec_run("/no/such").exit_code in (126, 127), True)
    made = client.api.exec_create(container.id, "sh -c 'exit 5'")
    client.api.exec_start(made["Id"])
    facts = client.api.exec_inspect(made["Id"])
    same((facts["Running"], facts["ExitCode"], facts["ContainerID"]), (False, 5, container.id))
    raises(NotFound, client.api.exec_inspect, "0" * 64)
    container.remove(force=True)


def exec_socket(client):
    """exec with a socket: what is written comes back, and half-closing ends it"""
    container = sleeper(client)
    made = client.api.exec_create(container.id, "cat", stdin=True)
    socket = client.api.exec_start(made["Id"], socket=True)
    socket._sock.sendall(b"to and fro\n")
    socket._sock.shutdown(1)
    frames = list(docker.utils.socket.frames_iter(socket, tty=False))
    same(b"".join(data for _, data in frames), b"to and fro\n")
    same({stream for stream, _ in frames}, {1})
    socket.close()
    eventually(lambda: client.api.exec_inspect(made["Id"])["Running"] is False)
    same(client.api.exec_inspect(made["Id"])["ExitCode"], 0)
    container.remove(force=True)


def logs(client):
    """logs: whole, tail, one stream, timestamps, since, follow"""
    container = client.containers.run(
        IMAGE,
        ["sh", "-c", "echo one; echo err >&2; sleep 0.2; echo two; sleep 1.5; echo three"],
        detach=True,
    )
    followed = list(container.logs(stream=True, follow=True, stderr=False))
    same(b"".join(followed), b"one\ntwo\nthree\n")
    container.wait()
    same(container.logs(stdout=True, stderr=False), b"one\ntwo\nthree\n")
    same(container.logs(stdout=False, stderr=True), b"err\n")
    same(container.logs(tail=1), b"three\n")
    stamped = container.logs(timestamps=True, tail=1)
    same(stamped.endswith(b"Z three\n") and stamped.startswith(b"20"), True)
    started = container.attrs["State"]["StartedAt"]
    same(bool(started), True)
    same(container.logs(since=int(time.time()) + 100), b"")
    same(container.logs(until=1), b"")
    container.remove()


def logs_tty(client):
    """logs of a container with a terminal come unframed"""
    container = client.containers.run(IMAGE, ["echo", "hello"], detach=True, tty=True)
    container.wait()
    same(container.logs(), b"hello\r\n")
    same(b"".join(container.logs(stream=True)), b"hello\r\n")
    container.remove()


def attach(client):
    """attach: output as it comes, earlier output, stdin over a hijacked socket"""
    container = client.containers.create(IMAGE, ["sh", "-c", "echo one; sleep 0.3; echo two >&2"])
    stream = container.attach(stream=True, stdout=True, stderr=True, logs=True, demux=True)
    container.start()
    got = {"out": b"", "err": b""}
    for out, err in stream:
        got["out"] += out or b""
        got["err"] += err or b""
    same(got, {"out": b"one\n", "err": b"two\n"})
    same(container.attach(logs=True, stream=False).replace(b"two\n", b""), b"one\n")
    container.remove()

    container = client.containers.create(IMAGE, "cat", stdin_open=True)
    socket = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    container.start()
    socket._sock.sendall(b"typed\n")
    socket._sock.shutdown(1)
    same(
        b"".join(data for _, data in docker.utils.socket.frames_iter(socket, tty=False)), b"typed\n"
    )
    socket.close()
    same(container.wait()["StatusCode"], 0)
    container.remove()


def attach_tty(client):
    """attach to a terminal: raw bytes, resize"""
    container = client.containers.create(IMAGE, "sh", stdin_open=True, tty=True)
    socket = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    container.start()
    container.resize(height=33, width=77)
    socket._sock.sendall(b"stty size; exit 6\n")
    got = b"".join(data for _, data in docker.utils.socket.frames_iter(socket, tty=True))
    assert b"33 77" in got, got
    same(container.wait()["StatusCode"], 6)
    container.remove()


def archives(client):
    """put_archive and get_archive, also of a container that has not started, and their errors"""
    container = client.containers.create(IMAGE, ["cat", "/data/put"])
    same(container.put_archive("/data", tar_of(put=b"put there\n")), True)
    container.start()
    container.wait()
    same(container.logs(), b"put there\n")
    stream, stat = container.get_archive("/data/put")
    same((stat["name"], stat["size"]), ("put", 10))
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
        same((tar.getnames(), tar.extractfile("put").read()), (["put"], b"put there\n"))
    stream, stat = container.get_archive("/data")
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
        same(sorted(tar.getnames()), ["data", "data/file", "data/put"])
    raises(NotFound, container.get_archive, "/no/such")
    raises(NotFound, container.put_archive, "/no/such", tar_of(a=b""))
    api_error((400, 500), container.put_archive, "/data/put", tar_of(a=b""))
    container.remove()


def export(client):
    """export and diff of a container"""
    container = client.containers.run(IMAGE, "touch /data/new", detach=True)
    container.wait()
    same(
        [(change["Path"], change["Kind"]) for change in container.diff()],
        [("/data", 0), ("/data/new", 1)],
    )
    with tarfile.open(fileobj=io.BytesIO(b"".join(container.export()))) as tar:
        names = tar.getnames()
        same(("data/new" in names, "bin/busybox" in names), (True, True))
    container.remove()


def events(client):
    """events: live, between two times, filtered"""
    since = int(time.time()) - 1
    seen = []
    stream = client.events(decode=True, filters={"type": "container"})

    def read():
        for event in stream:
            seen.append(event["Action"])
            if event["Action"] == "destroy":
                return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    time.sleep(0.3)
    client.containers.run(IMAGE, "true", name="watched", labels=["seen"], remove=True)
    reader.join(15)
    stream.close()
    wanted = ["create", "start", "die", "destroy"]
    same([action for action in seen if action in wanted], wanted)
    until = int(time.time()) + 1
    past = list(
        client.events(
            since=since,
            until=until,
            decode=True,
            filters={"container": "watched", "event": ["die"]},
        )
    )
    same(
        [
            (event["Type"], event["Action"], event["Actor"]["Attributes"]["exitCode"])
            for event in past
        ],
        [("container", "die", "0")],
    )
    same(past[0]["Actor"]["Attributes"]["name"], "watched")
    same(list(client.events(since=since, until=until, filters={"label": "never"})), [])

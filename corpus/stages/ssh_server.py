"""A small SSH server on Paramiko, one process a connection: `ssh_server.py PORT KEY ACCOUNTS`.

ACCOUNTS: a file of `name:password` lines. Commands run as the server's own user.
"""

import pathlib
import socket
import socketserver
import subprocess
import sys
import threading

import paramiko

KEY = paramiko.ECDSAKey(filename=sys.argv[2])
ACCOUNTS = dict(line.split(":", 1) for line in pathlib.Path(sys.argv[3]).read_text().splitlines())


class Login(paramiko.ServerInterface):
    def __init__(self):
        self.command = None
        self.asked = threading.Event()

    def get_allowed_auths(self, username):
        return "password"

    def check_auth_password(self, username, password):
        right = ACCOUNTS.get(username) == password
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        self.command = command.decode()
        self.asked.set()
        return True


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        transport = paramiko.Transport(self.request)
        transport.add_server_key(KEY)
        login = Login()
        try:
            transport.start_server(server=login)
            channel = transport.accept(10)
            if channel and login.asked.wait(5):
                done = subprocess.run(["/bin/sh", "-c", login.command], capture_output=True, check=False, timeout=20)
                channel.sendall(done.stdout)
                channel.send_exit_status(done.returncode)
                channel.close()
            transport.join(3)
        except (paramiko.SSHException, EOFError, OSError, subprocess.TimeoutExpired):
            pass
        transport.close()


class Server(socketserver.ForkingTCPServer):
    allow_reuse_address = True
    request_queue_size = 32


if __name__ == "__main__":
    with Server(("127.0.0.1", int(sys.argv[1])), Handler) as server:
        server.serve_forever()

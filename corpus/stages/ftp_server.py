"""A small FTP server on pyftpdlib: `ftp_server.py PORT processes|threads`."""

import sys

from pyftpdlib.authorizers import UnixAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import MultiprocessFTPServer, ThreadedFTPServer


class Handler(FTPHandler):
    authorizer = UnixAuthorizer(rejected_users=["root"])
    auth_failed_timeout = 0.5


if __name__ == "__main__":
    server = {"processes": MultiprocessFTPServer, "threads": ThreadedFTPServer}[sys.argv[2]]
    server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

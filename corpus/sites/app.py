"""A small site on Flask; `gunicorn app:app` serves it as well as `app.py PORT [threads]`.

Files in `plugins/` add routes: a site grows that way, and so does what an intruder leaves in it.
"""

import csv
import pathlib
import sqlite3
import subprocess
import sys
import threading

from flask import Flask, jsonify, request

HERE = pathlib.Path(__file__).parent
app = Flask(__name__)


@app.after_request
def tell_worker(response):
    response.headers["X-Worker"] = str(threading.get_native_id())
    return response


@app.get("/")
def index():
    return "<h1>Welcome</h1>" + "".join(f"<p>line {i}</p>" for i in range(20))


@app.get("/table")
def table():
    with open(HERE / "t.csv") as file:
        return jsonify(list(csv.DictReader(file))[:50])


@app.get("/files")
def files():
    return "\n".join(f"{e.name} {e.stat().st_size}" for e in HERE.iterdir())


@app.post("/form")
def form():
    with open("/tmp/guests", "a") as file:
        print(dict(request.form), file=file)
    return "thanks"


@app.get("/count")
def count():
    with sqlite3.connect("/tmp/web-py.db") as database:
        database.execute("create table if not exists v(t)")
        database.execute("insert into v values (1)")
        return str(database.execute("select count(*) from v").fetchone()[0])


@app.get("/date")
def date():
    return subprocess.run(["date", "+%F"], capture_output=True, text=True, check=False).stdout


for plugin in sorted((HERE / "plugins").glob("*.py")):
    exec(compile(plugin.read_text(), plugin, "exec"), {"app": app, "request": request, "__file__": str(plugin)})

if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]), threaded=len(sys.argv) > 2)

import os
import socket

import psycopg
from flask import Flask, jsonify, request

app = Flask(__name__)


def database():
    return psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=3)


@app.get("/health")
def health():
    with database() as db:
        db.execute("select 1")
    return "ok"


@app.get("/notes")
def listed():
    with database() as db:
        rows = db.execute("select id, text from note order by id").fetchall()
    return jsonify(title=os.environ["TITLE"], replica=socket.gethostname(), notes=[{"id": id, "text": text} for id, text in rows])


@app.post("/notes")
def add():
    with database() as db:
        (id,) = db.execute("insert into note (text) values (%s) returning id", [request.json["text"]]).fetchone()
    return jsonify(id=id), 201

"""A Flask application whose sessions live in Redistill for 24 hours."""
import os
from datetime import timedelta

import redis
from flask import Flask, session
from flask_session import Session

app = Flask(__name__)
app.config['SESSION_TYPE'] = 'redis'
app.config['SESSION_REDIS'] = redis.Redis(
    host=os.environ.get('REDIS_HOST', 'localhost'),
    port=int(os.environ.get('REDIS_PORT', 6379)),
    password=os.environ.get('REDIS_PASSWORD') or None,
)
# Flask's own default is 31 days.
app.config['PERMANENT_SESSION_LIFETIME'] = timedelta(hours=24)
Session(app)


@app.route('/login', methods=['POST'])
def login():
    # Store session data
    session['user_id'] = 12345
    session['username'] = 'john_doe'
    session['role'] = 'admin'
    # Auto-expires after 24 hours
    session.permanent = True
    return {'status': 'logged_in'}


@app.route('/profile')
def profile():
    if 'user_id' not in session:
        return {'error': 'not logged in'}, 401
    return {key: session[key] for key in ('user_id', 'username', 'role')}


@app.route('/logout', methods=['POST'])
def logout():
    session.clear()
    return {'status': 'logged_out'}


if __name__ == '__main__':
    app.run(host='127.0.0.1', port=int(os.environ.get('PORT', 5000)))

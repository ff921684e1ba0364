"""A Flask API that allows each user 100 requests an hour."""
import os
from datetime import datetime

import redis
from flask import Flask, request

app = Flask(__name__)
cache = redis.Redis(
    host=os.environ.get('REDIS_HOST', 'localhost'),
    port=int(os.environ.get('REDIS_PORT', 6379)),
    password=os.environ.get('REDIS_PASSWORD') or None,
)


def rate_limit(user_id, max_requests=100, window=3600):
    """Allow max_requests per window (seconds)"""
    key = f"ratelimit:{user_id}:{datetime.now().strftime('%Y%m%d%H')}"

    current = cache.get(key)
    if current and int(current) >= max_requests:
        return False  # Rate limited

    pipe = cache.pipeline()
    pipe.incr(key)
    pipe.expire(key, window)
    pipe.execute()

    return True  # Allowed


def get_current_user_id():
    """Stands in for authentication: the caller says who it is."""
    return request.headers.get('X-User-Id', 'anonymous')


@app.route('/api/expensive-operation')
def expensive_operation():
    user_id = get_current_user_id()

    if not rate_limit(user_id, max_requests=100, window=3600):
        return {'error': 'Rate limit exceeded'}, 429

    # Process request
    return {'result': 'success'}


if __name__ == '__main__':
    app.run(host='127.0.0.1', port=int(os.environ.get('PORT', 5000)))

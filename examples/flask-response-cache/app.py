"""A Flask API whose responses are cached in Redistill for five minutes."""
import json
import os
import time
from functools import wraps
from types import SimpleNamespace

import redis
from flask import Flask

app = Flask(__name__)
cache = redis.Redis(
    host=os.environ.get('REDIS_HOST', 'localhost'),
    port=int(os.environ.get('REDIS_PORT', 6379)),
    password=os.environ.get('REDIS_PASSWORD') or None,
    decode_responses=True,
)


def cache_response(ttl=300):
    """Cache decorator for API responses"""
    def decorator(f):
        @wraps(f)
        def decorated_function(*args, **kwargs):
            # Create cache key from endpoint and args. Flask passes the parts
            # of the URL as keyword arguments.
            cache_key = f"api:{f.__name__}:{':'.join(map(str, [*args, *kwargs.values()]))}"

            # Try to get from cache
            cached = cache.get(cache_key)
            if cached:
                return json.loads(cached), 200, {'X-Cache': 'HIT'}

            # Execute function and cache result
            result = f(*args, **kwargs)
            cache.setex(cache_key, ttl, json.dumps(result))
            return result, 200, {'X-Cache': 'MISS'}

        return decorated_function
    return decorator


class Database:
    """Stands in for a slow database."""

    def user(self, user_id):
        time.sleep(0.3)
        return SimpleNamespace(
            name=f'User {user_id}',
            email=f'user{user_id}@example.com',
            created_at='2024-01-01T00:00:00Z',
        )


db = Database()


@app.route('/api/users/<int:user_id>')
@cache_response(ttl=300)  # Cache for 5 minutes
def get_user(user_id):
    # Expensive database query
    user = db.user(user_id)
    return {
        'id': user_id,
        'name': user.name,
        'email': user.email,
        'created_at': user.created_at,
    }


if __name__ == '__main__':
    app.run(host='127.0.0.1', port=int(os.environ.get('PORT', 5000)))

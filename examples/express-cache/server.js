// An Express API whose JSON responses are cached in Redistill.
const express = require('express');
const Redis = require('ioredis');

const app = express();
const redis = new Redis({
  host: process.env.REDIS_HOST || 'localhost',
  port: Number(process.env.REDIS_PORT || 6379),
  password: process.env.REDIS_PASSWORD || undefined,
});
redis.on('error', (err) => console.error('cache:', err.message));

// Cache middleware
const cacheMiddleware = (ttl = 300) => {
  return async (req, res, next) => {
    const cacheKey = `api:${req.originalUrl}`;

    try {
      const cached = await redis.get(cacheKey);
      if (cached) {
        res.set('X-Cache', 'HIT');
        return res.json(JSON.parse(cached));
      }

      // Store original res.json
      const originalJson = res.json.bind(res);

      // Override res.json to cache response
      res.json = (data) => {
        redis.setex(cacheKey, ttl, JSON.stringify(data)).catch((err) => console.error('cache:', err.message));
        res.set('X-Cache', 'MISS');
        return originalJson(data);
      };

      next();
    } catch (err) {
      next(); // without the cache, the database answers
    }
  };
};

// db stands in for a slow database.
const db = {
  async query() {
    await new Promise((resolve) => setTimeout(resolve, 200));
    return Array.from({ length: 100 }, (_, i) => ({ id: i + 1, name: `Product ${i + 1}`, price: 9.99 + i }));
  },
};

// Apply caching to routes
app.get('/api/products', cacheMiddleware(600), async (req, res) => {
  // Expensive database query (~200ms)
  const products = await db.query('SELECT * FROM products LIMIT 100');
  res.json(products);
});

app.listen(Number(process.env.PORT || 3000), '127.0.0.1');

"""Django's PostgreSQL backend with statements that the server keeps, and without a question before each request."""

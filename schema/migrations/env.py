"""Alembic's environment: migrations run on the connection that `aipro_ml.db.migrate` hands over."""

from alembic import context

from aipro_ml.db.models import metadata
from aipro_ml.errors import DatabaseError

connection = context.config.attributes.get("connection")
if connection is None:
    raise DatabaseError("migrations run inside the platform: use `aipro db upgrade`")

context.configure(connection=connection, target_metadata=metadata, compare_server_default=True)
with context.begin_transaction():
    context.run_migrations()

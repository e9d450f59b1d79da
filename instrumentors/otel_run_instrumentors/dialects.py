"""The databases of SQLAlchemy's dialects, as the semantic conventions call them."""

from __future__ import annotations

from otel_run.engine.database import Database, same_database
from otel_run.engine.sql import GENERIC, SQLITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

# The names that differ.
SYSTEMS = {
    "firebird": "firebirdsql",
    "hana": "sap.hana",
    "ibm_db_sa": "ibm.db2",
    "mssql": "microsoft.sql_server",
    "oracle": "oracle.db",
    "redshift": "aws.redshift",
    "spanner": "gcp.spanner",
    "teradatasql": "teradata",
}
DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433, "oracle": 1521}
RULES = {"sqlite": SQLITE}


def database_of(
    dialect: Dialect, namespace: str = "", address: str = "", port: int | None = None
) -> Database:
    """Describe a database; a port that is the usual one is not told."""
    name = dialect.name
    told = 0 if port == DEFAULT_PORTS.get(name) else port or 0
    return same_database(
        SYSTEMS.get(name, name), namespace, address, told, RULES.get(name, GENERIC)
    )

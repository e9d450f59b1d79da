"""The names by which libraries are left alone; read where there are any to leave alone."""

from __future__ import annotations

from otel_run_instrumentors.registry import INSTRUMENTORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# What OpenTelemetry's own instrumentations are called: no misspellings, also where we have none.
_OPENTELEMETRY = """
aio_pika aiohttp_client aiohttp_server aiokafka aiopg anthropic asgi asyncclick asyncio asyncpg
aws_lambda boto boto3 boto3sqs botocore cassandra celery click confluent_kafka dbapi django
elasticsearch falcon fastapi flask google_genai grpc grpc_aio_client grpc_aio_server grpc_client
grpc_server httpx jinja2 kafka kafka_python langchain logging mysql mysqlclient openai openai_agents
openai_v2 pika psycopg psycopg2 pymemcache pymongo pymssql pymysql pyramid redis remoulade requests
sqlalchemy sqlite3 starlette system_metrics threading tornado tortoiseorm urllib urllib3 vertexai
weaviate wsgi
"""
OPENTELEMETRY = frozenset(_OPENTELEMETRY.split())
# Those of them that have another name here.
SAME = {"urllib": "urllib_request"}


def plain(name: str) -> str:
    """Return a name as the file of its instrumentor has it: `urllib.request`, `aio-pika`."""
    name = name.lower().replace("-", "_").replace(".", "_")
    return SAME.get(name, name)


def own_name(reference: str) -> str:
    """Return the plain name of the library that a module of the registry is for."""
    return reference.rpartition(".")[2]


def is_named(reference: str, names: Iterable[str]) -> bool:
    """Whether the library is among the names, or all are."""
    return own_name(reference) in map(plain, names) or "*" in names


def unknown(names: Iterable[str]) -> list[str]:
    """Return those of the names that nobody knows."""
    known = {"*", *OPENTELEMETRY, *map(own_name, INSTRUMENTORS.values())}
    return [name for name in sorted(names) if plain(name) not in known]


def explain(strangers: Iterable[str]) -> str:
    """Say that nobody knows these names, and what they may mean."""
    from difflib import get_close_matches

    known = sorted({*OPENTELEMETRY, *map(own_name, INSTRUMENTORS.values())})
    close = [get_close_matches(plain(name), known, 1) for name in strangers]
    meant = ", ".join(found[0] for found in close if found)
    hint = f" (did you mean {meant}?)" if meant else ""
    return f"no library is called {', '.join(strangers)}{hint}"

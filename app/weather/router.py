"""weather over HTTP."""

from fastapi import APIRouter

routers: list[APIRouter] = []

"""Organizations: who takes part."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from hanse._modes import M, iteration, operation
from hanse._resource import Resource, body, pick
from hanse_core.wire.accounts import Organization, OrganizationCreate, OrganizationPatch


class Organizations(Resource[M]):
    """`client.organizations`"""

    @iteration
    async def iterate(
        self,
        *,
        name: str | None = None,
        country: str | None = None,
        collaboration_id: int | None = None,
        study_id: int | None = None,
        ids: Sequence[int] | None = None,
        sort: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Organization]:
        """Go through the organizations that you may see.

        Args:
            name: pattern; `%` stands for any text, `_` for any character.
            country: exact.
            collaboration_id, study_id: only members of it.
            ids: only these.
            sort: field to sort by; with `-` before it, the greatest first.
            limit: at most so many (default: all).
        """
        query = {"name": name, "country": country, "collaboration_id": collaboration_id, "study_id": study_id}
        async for item in self._each(Organization, "organization", limit, **query, ids=ids and [*ids], sort=sort):
            yield item

    list = iterate.collected()

    @operation
    async def get(self, id: int) -> Organization:
        """Get one organization. Raises `NotFound`, `Denied`."""
        return await self._one(Organization, "GET", f"organization/{id}")

    @operation
    async def find(self, key: int | str) -> Organization:
        """Get the organization with this id or name. Raises `NotFound`, naming those that you may see."""
        return pick("organization", key, await self.list())

    @operation
    async def create(
        self,
        name: str,
        *,
        domain: str | None = None,
        address1: str | None = None,
        address2: str | None = None,
        zipcode: str | None = None,
        country: str | None = None,
    ) -> Organization:
        """Create an organization. Raises `Invalid` when the name is taken."""
        fields = {"domain": domain, "address1": address1, "address2": address2, "zipcode": zipcode, "country": country}
        return await self._one(Organization, "POST", "organization", body(OrganizationCreate, name=name, **fields))

    @operation
    async def update(
        self,
        id: int,
        *,
        name: str | None = None,
        domain: str | None = None,
        address1: str | None = None,
        address2: str | None = None,
        zipcode: str | None = None,
        country: str | None = None,
        two_factor_required: bool | None = None,
    ) -> Organization:
        """Change what is given; the rest stays. (For the public key see `client.setup_encryption`.)

        With `two_factor_required`, whoever of the organization logs in with a password needs a second factor.
        """
        fields = {"domain": domain, "address1": address1, "address2": address2, "zipcode": zipcode, "country": country}
        changes = body(OrganizationPatch, name=name, two_factor_required=two_factor_required, **fields)
        return await self._one(Organization, "PATCH", f"organization/{id}", changes)

    @operation
    async def delete(self, id: int, *, delete_dependents: bool = False) -> None:
        """Delete an organization; with `delete_dependents` also its users, nodes, roles, runs and tasks."""
        await self._send("DELETE", f"organization/{id}", delete_dependents=delete_dependents)

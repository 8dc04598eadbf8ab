"""The same club as the tests of points have: two stores, two people, and a programme where one is set up."""

from tests.app.loyalty import conftest as loyalty

club = loyalty.club

"""`python -m hanse_algorithm`: what an algorithm image runs."""

from hanse_algorithm.run import main

raise SystemExit(main())

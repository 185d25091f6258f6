"""For all tests: search is by words, unless a test says otherwise.

So no test reads weights, or waits for vectors, that are none of its matter.
"""

import os

os.environ["ANSWERABLE_RELEASE__EMBEDDER"] = "none"

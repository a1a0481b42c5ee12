# The lists of the test folders.

"""The door of DICOM associations, over pynetdicom.

It stands on names that the library does not promise, because datasets go to disk while they
come; ``tests/unit/receive/test_library.py`` lists them, and the dependency has an upper bound.
"""

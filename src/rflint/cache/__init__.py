"""Reports of earlier runs, reused while everything that they depend on is unchanged.

    observer (what the user's code looks at) --> collect --> dependencies --> store --> cache

The observer learns of files, folders, programs and the network from Python's audit events, and of
the environment, the clock and others from patched functions.
"""

"""A family: the doors out.

`sender.Sender` takes what is due from the spool and hands it to a destination
(`cstore`, `folder`); each instance gets a receipt, and only a receipt ends it.
"""

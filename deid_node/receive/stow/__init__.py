"""The door of STOW-RS, over h11 and python-multipart: instances sent by HTTP.

Both libraries are the extra ``deid-node[dicomweb]``; they are imported where the door is
built, and only where one is configured.
"""

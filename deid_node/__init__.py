"""A DICOM network node that hands studies to research without the patient in them.

An instance is a parcel. `receive` takes it at the door, `spool` takes custody of
it on disk before the sender hears Success, `work` hands it to a worker process,
and `pipeline` walks it down one corridor: `route` decides, `pixels` finds and
fills burned-in text, `metadata` scrubs the header, attests what was done and
looks a second time, and a seal closes it. Only what is sealed can reach
`forward`, which delivers it. What cannot be sealed is withheld, whole, for a
person. `observe` tells what happens without a single patient value; `values`
and `errors` are the words all rooms share.
"""

__version__ = "0.1.0"

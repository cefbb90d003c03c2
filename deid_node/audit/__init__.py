"""The audit trail: who sent, received, decided or was turned away, for those who have to account.

It is not the log. The log tells operators what the node does; the trail tells a
site's audit repository who did what, as DICOM Audit Messages (PS3.15 A.5).
"""

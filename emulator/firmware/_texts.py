"""Error texts shared by the firmware's modules (Pycom firmware 1.20.2.r4, util/mpexception.c)."""

NA = "resource not available"
FAILED = "the requested operation failed"
NOTPOSS = "the requested operation is not possible"
BADVAL = "invalid argument(s) value"
BADNUM = "invalid argument(s) num/type"

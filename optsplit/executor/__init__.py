"""Run a plan on real devices: stages of a traced network, in one process or over gRPC.

| module | what it holds |
|---|---|
| chosen | what a plan decides besides places: exits, thresholds, bits |
| stages | a plan as stages, each run at one place with the tensors that it needs and gives |
| predicted | what a problem says each stage and each message takes |
| worker | a place in this process: torch on the CPU or CUDA |
| frames | frames through the stages: one after the other, several in flight, back to the device on failure |
| measured | spans of frames against predictions: the report and its Gantt chart |
| execute, running | a plan run and measured: from Python, and for the command line |
| wire, precision | messages: a typed header and raw or packed buffers |
| rpc, identity | gRPC options, TLS and token; whether both sides hold the same network |
| server, session, store | the server, what it does for one client, and weights that a client uploads |
| connection, remote | a session with one server; frames over all of them, with fallback and return |
| shaping, lab | a link slowed in this process; network namespaces with a shaped link |
| calibration, validation | what runs measured, back into profile and link; predict, run, correct, predict again |
| adapting | the run-time loop over an envelope |
| messaging | what messages cost the device itself |
| uploading, uploaded | weights sent in a plan's order while queries are answered, and what that measured |
| jobs, scheduling, scheduled | a schedule as turns of its machines, run, and what that measured |
"""

from optsplit.profiling.capture import need_torch

need_torch()

"""Several runs at once, each in a process of its own.

plan.py       `plan_jobs`: how many processes, threads and devices
client.py     `train_in_processes`: what asks; it starts the leader and passes its events on
leader.py     opens and standardises the data once, and forks a worker for each run
queue.py      `RunQueue`: which run is next; fitted runs wait for what they start from
worker.py     trains one run and says what happens
here.py       `prepare_each`, `train_here`: what a process does by itself, with events
"""

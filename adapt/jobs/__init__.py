"""Several runs at once, each in a process of its own.

plan.py       `plan_jobs`: how many processes, threads and devices
client.py     `train_in_processes`: what asks; it starts the leader and passes its events on
leader.py     opens the data and forks a worker for each run or bundle; on a CPU they share it
queue.py      `RunQueue`: which run is next; fitted runs wait for what they start from
worker.py     trains a run or a bundle and says what happens
here.py       `prepare_each`, `train_here`: what a process does by itself, with events
"""

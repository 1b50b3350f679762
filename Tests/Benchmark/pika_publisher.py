"""Publishes the lines of standard input with pika as persistent messages: pika_publisher.py URL QUEUE [confirmed]"""

import sys

import pika

url, queue, *confirmed = sys.argv[1:]
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
if confirmed:
    channel.confirm_delivery()
persistent = pika.BasicProperties(delivery_mode=2)
for line in sys.stdin.buffer:
    channel.basic_publish("", queue, line[:-1], persistent)
connection.close()

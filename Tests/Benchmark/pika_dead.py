"""Lists dead letters with pika, or moves them back, as a short script would do it: pika_dead.py URL QUEUE COUNT list|move"""

import sys

import pika

url, queue, count, action = sys.argv[1:]
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.confirm_delivery()
for _ in range(int(count)):
    method, properties, body = channel.basic_get(f"{queue}.dead")
    if action == "move":
        channel.basic_publish("", queue, body, properties, mandatory=True)
        channel.basic_ack(method.delivery_tag)
    else:
        print(properties.message_id, properties.headers, len(body))
if action == "list":
    channel.basic_nack(method.delivery_tag, multiple=True)
connection.close()

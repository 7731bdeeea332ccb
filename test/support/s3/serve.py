# A whole OpenStack Swift with its S3 interface in one process, for tests: one replica on one folder of the disk.
# Prints the port of the interface when it is ready, and ends when its standard input does. What is in the folder already is
# served again. Arguments: folder, port (0 for any), access key id, secret access key.
import array
import os
import sys

import eventlet

eventlet.monkey_patch()

from eventlet import wsgi
from swift.common import utils

folder, port, key_id, secret = sys.argv[1:5]
conf_file = os.path.join(folder, 'swift.conf')
with open(conf_file, 'w') as conf:
    conf.write('[swift-hash]\nswift_hash_path_prefix = tests\nswift_hash_path_suffix = tests\n')
    conf.write('[storage-policy:0]\nname = one\ndefault = yes\n')
utils.SWIFT_CONF_FILE = conf_file
utils.validate_hash_conf()

from swift.common.ring.ring import RingData
from swift.common.storage_policy import reload_storage_policies
from swift.common.wsgi import loadapp
from swift.account.server import AccountController
from swift.container.server import ContainerController
from swift.obj.server import ObjectController

reload_storage_policies()
devices = os.path.join(folder, 'devices')
os.makedirs(os.path.join(devices, 'disk'), exist_ok=True)
settings = {
    'devices': devices, 'mount_check': 'false', 'swift_dir': folder,
    'fallocate_reserve': '0', 'disable_fallocate': 'true', 'log_level': 'ERROR',
    # Nothing is put off for later, however busy the machine is: listings are true at once.
    'container_update_timeout': '60', 'conn_timeout': '60', 'node_timeout': '60',
}


class Silence:
    def write(self, *_):
        pass


class Cache:
    """What memcached is to a cluster."""

    def __init__(self):
        self.values = {}

    def get(self, key, *_, **__):
        return self.values.get(key)

    def set(self, key, value, *_, **__):
        self.values[key] = value

    def delete(self, key, *_, **__):
        self.values.pop(key, None)

    def incr(self, key, delta=1, **_):
        self.values[key] = self.values.get(key, 0) + delta
        return self.values[key]


def serve(listener, app):
    eventlet.spawn(wsgi.server, listener, app, Silence(), debug=False)


def listen(port=0):
    return eventlet.listen(('127.0.0.1', port))


for ring, controller in (
    ('account', AccountController), ('container', ContainerController), ('object', ObjectController),
):
    listener = listen()
    device = {
        'id': 0, 'zone': 0, 'region': 1, 'device': 'disk', 'weight': 1.0,
        'ip': '127.0.0.1', 'port': listener.getsockname()[1],
        'replication_ip': '127.0.0.1', 'replication_port': listener.getsockname()[1],
    }
    RingData([array.array('H', [0, 0])], [device], 31).save(os.path.join(folder, ring + '.ring.gz'))
    serve(listener, controller(settings))

proxy_conf = os.path.join(folder, 'proxy-server.conf')
with open(proxy_conf, 'w') as conf:
    conf.write(f'''
[DEFAULT]
swift_dir = {folder}
log_level = ERROR
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats bulk s3api tempauth slo dlo copy proxy-server
[app:proxy-server]
use = egg:swift#proxy
conn_timeout = 60
node_timeout = 60
allow_account_management = true
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_{key_id.replace(':', '_')} = {secret} .admin
[filter:s3api]
use = egg:swift#s3api
max_upload_part_num = 10000
allowable_clock_skew = 900
max_bucket_listing = 50
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:copy]
use = egg:swift#copy
''')
proxy = loadapp(proxy_conf)
cache = Cache()


def entrance(environ, start_response):
    environ['swift.cache'] = cache

    def start(status, headers, *rest):
        # The server would end what has no length with an empty chunk, which an answer to HEAD must not have.
        if environ['REQUEST_METHOD'] == 'HEAD' and not any(name.lower() == 'content-length' for name, _ in headers):
            headers = headers + [('Content-Length', '0')]
        return start_response(status, headers, *rest)

    return proxy(environ, start)


listener = listen(int(port))
serve(listener, entrance)
print(listener.getsockname()[1], flush=True)
eventlet.tpool.execute(sys.stdin.read)
os._exit(0)

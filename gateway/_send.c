/* _send - one buffer to many sockets, with no trip through the interpreter between two of them. See send.py. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <sys/socket.h>

/* Returns: bytes the kernel took; 0 for no descriptor and for any error, which the transport will meet itself. */
static Py_ssize_t send_to(int fd, const char *bytes, Py_ssize_t size) {
    ssize_t sent;
    if (fd < 0)
        return 0;
    do
        sent = send(fd, bytes, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? 0 : sent;
}

static int append_pair(PyObject *list, Py_ssize_t index, Py_ssize_t sent) {
    PyObject *pair = Py_BuildValue("nn", index, sent);
    int failed = pair == NULL || PyList_Append(list, pair) < 0;
    Py_XDECREF(pair);
    return failed;
}

/* The interpreter's lock is kept: the sockets never block, and no other thread of a gateway waits for it. */
static PyObject *send_each(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module;
    if (count != 2 || !PyList_CheckExact(arguments[0]) || !PyBytes_CheckExact(arguments[1])) {
        PyErr_SetString(PyExc_TypeError, "send_each takes a list of descriptors and bytes");
        return NULL;
    }
    const char *bytes = PyBytes_AS_STRING(arguments[1]);
    Py_ssize_t size = PyBytes_GET_SIZE(arguments[1]), sockets = PyList_GET_SIZE(arguments[0]);
    PyObject *left = PyList_New(0);
    for (Py_ssize_t i = 0; left != NULL && i < sockets; i++) {
        long fd = PyLong_AsLong(PyList_GET_ITEM(arguments[0], i));
        Py_ssize_t sent = PyErr_Occurred() ? -1 : send_to((int)fd, bytes, size);
        if (sent == size)
            continue;
        if (sent < 0 || append_pair(left, i, sent))
            Py_CLEAR(left);
    }
    return left;
}

static PyMethodDef methods[] = {
    {"send_each", (PyCFunction)(void (*)(void))send_each, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "_send", .m_size = 0, .m_methods = methods};

PyMODINIT_FUNC PyInit__send(void) {
    return PyModule_Create(&module);
}
